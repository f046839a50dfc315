package rates

// Fetch asks the service for today's rate.
type Fetch func() (float64, error)

// Today returns the rate. It asks again where the service is down.
func Today(fetch Fetch) (float64, error) {
	for {
		rate, err := fetch()
		if err == nil {
			return rate, nil
		}
	}
}
