"""The sample is data: its tests are run by what is tested, never collected with ours."""

collect_ignore_glob = ["*"]
