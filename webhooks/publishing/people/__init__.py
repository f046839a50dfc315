"""What people did with findings: recognise a dismissal, and say in the summary what became of each."""
