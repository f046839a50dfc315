"""Run git in a local clone. Nothing else in `reviewer` starts git."""
