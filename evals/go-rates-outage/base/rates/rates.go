package rates

import "errors"

// Fetch asks the service for today's rate.
type Fetch func() (float64, error)

// Today returns the rate, or an error where the service is down.
func Today(fetch Fetch) (float64, error) {
	rate, err := fetch()
	if err != nil {
		return 0, errors.Join(errors.New("no rate"), err)
	}
	return rate, nil
}
