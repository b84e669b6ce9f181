"""What becomes of an alert: its two lives, who is told, and when."""
