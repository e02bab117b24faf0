"""What pages and the terminal are written with: HTML, tables, templates."""
