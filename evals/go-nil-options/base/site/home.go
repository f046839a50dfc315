package site

import "example.org/site/render"

// Home renders the first page.
func Home() string {
	return render.Page("home", map[string]string{})
}
