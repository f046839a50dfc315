// Package fetch gets feeds over HTTP.
package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
)

const maxBytes = 5 << 20

// ErrTooLarge says that a feed is larger than we read.
var ErrTooLarge = errors.New("feed too large")

// StatusError is an answer other than 200.
type StatusError struct {
	Code int
}

func (e *StatusError) Error() string {
	return fmt.Sprintf("status %d", e.Code)
}

// Fetcher gets feeds with one client.
type Fetcher struct {
	Client *http.Client
}

// Fetch returns the body of the feed.
func (f *Fetcher) Fetch(ctx context.Context, url string) ([]byte, error) {
	resp, err := f.get(ctx, url)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		resp.Body.Close()
		return nil, &StatusError{Code: resp.StatusCode}
	}
	return readAll(resp)
}

func (f *Fetcher) get(ctx context.Context, url string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	return f.Client.Do(req)
}

func readAll(resp *http.Response) ([]byte, error) {
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxBytes+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxBytes {
		return nil, ErrTooLarge
	}
	return data, nil
}
