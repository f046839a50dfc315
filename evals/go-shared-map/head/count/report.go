package count

import "fmt"

// Report prints the counts while counting goes on.
func Report(c *Counter) {
	for word, number := range c.All() {
		fmt.Println(word, number)
	}
}
