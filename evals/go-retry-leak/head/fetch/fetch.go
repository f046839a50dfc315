// Package fetch gets feeds over HTTP.
package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

const (
	maxBytes = 5 << 20
	attempts = 4
)

// ErrTooLarge says that a feed is larger than we read.
var ErrTooLarge = errors.New("feed too large")

// StatusError is an answer other than 200.
type StatusError struct {
	Code int
}

func (e *StatusError) Error() string {
	return fmt.Sprintf("status %d", e.Code)
}

func (e *StatusError) temporary() bool {
	return e.Code == http.StatusTooManyRequests || e.Code == http.StatusServiceUnavailable
}

// Fetcher gets feeds with one client.
type Fetcher struct {
	Client *http.Client
	// Pause is the wait before the second attempt; each further one doubles it.
	Pause time.Duration
}

// Fetch returns the body of the feed. Temporary refusals are tried again.
func (f *Fetcher) Fetch(ctx context.Context, url string) ([]byte, error) {
	pause := f.Pause
	var last error
	for attempt := 1; attempt <= attempts; attempt++ {
		if attempt > 1 {
			if err := wait(ctx, pause); err != nil {
				return nil, err
			}
			pause *= 2
		}
		resp, err := f.get(ctx, url)
		if err != nil {
			return nil, err
		}
		if resp.StatusCode != http.StatusOK {
			status := &StatusError{Code: resp.StatusCode}
			if !status.temporary() {
				resp.Body.Close()
				return nil, status
			}
			last = status
			continue
		}
		return readAll(resp)
	}
	return nil, last
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

func wait(ctx context.Context, pause time.Duration) error {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
