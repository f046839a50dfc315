package session

import (
	"context"
	"log/slog"
	"time"
)

// Every is how often old sessions are removed.
const Every = time.Minute

// Run sweeps the store until the context ends.
func Run(ctx context.Context, store *Store, log *slog.Logger) {
	ticker := time.NewTicker(Every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if removed := store.Sweep(); removed > 0 {
				log.Info("sessions expired", "number", removed)
			}
		}
	}
}
