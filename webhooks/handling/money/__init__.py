"""Keep ceilings of money: whom the App works for, what may still be spent, and what is said where it ends."""
