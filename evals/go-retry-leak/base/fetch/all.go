package fetch

import (
	"context"
	"sync"
)

// Result is what came of one feed.
type Result struct {
	Data []byte
	Err  error
}

// All gets all feeds at the same time; results stand in the order of the URLs.
func (f *Fetcher) All(ctx context.Context, urls []string) []Result {
	results := make([]Result, len(urls))
	var group sync.WaitGroup
	for i, url := range urls {
		group.Add(1)
		go func(i int, url string) {
			defer group.Done()
			results[i].Data, results[i].Err = f.Fetch(ctx, url)
		}(i, url)
	}
	group.Wait()
	return results
}
