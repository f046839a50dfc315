package render

import "example.org/site/theme"

// Page renders a page with these options.
func Page(name string, options map[string]string) string {
	return name + theme.Pick(options)
}
