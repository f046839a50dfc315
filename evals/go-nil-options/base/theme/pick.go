package theme

// Pick returns the theme of the options, and notes it in them.
func Pick(options map[string]string) string {
	if options["theme"] == "" {
		options["theme"] = "plain"
	}
	return options["theme"]
}
