"""Write what is posted: inline comments, the list of the summary, replies. Pure."""
