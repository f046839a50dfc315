"""What a repository's people do not want to hear: learned from what they dismissed, offered as a setting."""
