"""The claims about the paper AdaSAM and about our sharper theorem."""
