"""Carry out a job: fetch the change, review it, plan and publish."""
