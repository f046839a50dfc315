package count

import "sync"

// Counter counts words.
type Counter struct {
	mu    sync.Mutex
	words map[string]int
}

// Add counts a word.
func (c *Counter) Add(word string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.words[word]++
}
