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
	// Number counts from 1; an empty list has one empty page.
	Number int
	// Pages is how many pages the whole list has, at least 1.
	Pages int
}

// Cut returns the page of that number. A number below 1 is the first page, one beyond the last is the last.
func Cut[T any](items []T, number, size int) (Page[T], error) {
	if size < 1 || size > MaxSize {
		return Page[T]{}, ErrSize
	}
	pages := max(len(items)/size, 1)
	number = min(max(number, 1), pages)
	start := (number - 1) * size
	end := min(start+size, len(items))
	return Page[T]{Items: items[start:end], Number: number, Pages: pages}, nil
}

// HasNext tells whether there is a page behind this one.
func (p Page[T]) HasNext() bool {
	return p.Number < p.Pages
}
