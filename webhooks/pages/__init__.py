"""The pages for people: sign in, look at jobs, money and findings, retry and cancel. Rendered here, without a build."""
