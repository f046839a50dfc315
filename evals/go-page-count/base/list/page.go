// Package list cuts long lists into pages.
package list

import "errors"

// MaxSize is the largest page.
const MaxSize = 200

// ErrSize says that a page would be empty or too large.
var ErrSize = errors.New("page size must be from 1 to 200")

// Page is a part of a list.
type Page[T any] struct {
	Items []T
	// Number counts from 1.
	Number int
}

// Cut returns the page of that number. A number below 1 is the first page, one beyond the last is empty.
func Cut[T any](items []T, number, size int) (Page[T], error) {
	if size < 1 || size > MaxSize {
		return Page[T]{}, ErrSize
	}
	number = max(number, 1)
	start := min((number-1)*size, len(items))
	end := min(start+size, len(items))
	return Page[T]{Items: items[start:end], Number: number}, nil
}
