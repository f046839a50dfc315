"""What the App's operator sets: limits of money, whom the App works for, and the App's private key."""
