"""What is worth a look among what was committed: rules over spans of a chain's time."""
