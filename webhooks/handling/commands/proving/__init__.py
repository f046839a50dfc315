"""Commands that run tests for findings which are posted already. In the Action only: the App runs nothing."""
