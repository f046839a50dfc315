package list

import (
	"errors"
	"slices"
	"testing"
)

func numbers(n int) []int {
	made := make([]int, n)
	for i := range made {
		made[i] = i + 1
	}
	return made
}

func TestCut(t *testing.T) {
	for _, test := range []struct {
		name         string
		total        int
		number, size int
		want         []int
		wantNumber   int
	}{
		{"first", 10, 1, 5, []int{1, 2, 3, 4, 5}, 1},
		{"second", 10, 2, 5, []int{6, 7, 8, 9, 10}, 2},
		{"not full", 12, 3, 5, []int{11, 12}, 3},
		{"below the first", 10, 0, 5, []int{1, 2, 3, 4, 5}, 1},
		{"beyond the last", 10, 9, 5, []int{}, 9},
		{"empty", 0, 1, 5, []int{}, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := Cut(numbers(test.total), test.number, test.size)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got.Items, test.want) || got.Number != test.wantNumber {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestCutSize(t *testing.T) {
	for _, size := range []int{-1, 0, MaxSize + 1} {
		if _, err := Cut(numbers(3), 1, size); !errors.Is(err, ErrSize) {
			t.Errorf("size %d: got %v", size, err)
		}
	}
}
