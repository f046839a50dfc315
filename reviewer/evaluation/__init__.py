"""How good the reviewer is, measured on changes whose defects are known: `reviewer eval`.

A case in, a score out. The review is the one that `reviewer diff` makes; nothing here changes what it says.
"""
