"""`adasam reproduce`: simulate, judge, draw, write; and draw again."""
