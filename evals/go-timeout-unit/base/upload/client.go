package upload

import "time"

// Client sends files.
type Client struct {
	Timeout time.Duration
}

// New returns a client that gives up after so many seconds.
func New(timeout int) *Client {
	return &Client{Timeout: time.Duration(timeout) * time.Second}
}
