// Package session keeps who is logged in.
package session

import (
	"crypto/rand"
	"encoding/hex"
	"sync"
	"time"
)

// Session is one login. It is never changed after it was made.
type Session struct {
	User    string
	Expires time.Time
}

// Store holds sessions in memory. It is safe for use by several goroutines.
type Store struct {
	lifetime time.Duration
	now      func() time.Time

	mu       sync.RWMutex
	sessions map[string]Session
}

// NewStore returns an empty store whose sessions live that long.
func NewStore(lifetime time.Duration, now func() time.Time) *Store {
	return &Store{lifetime: lifetime, now: now, sessions: map[string]Session{}}
}

// Begin makes a session for the user and returns its token.
func (s *Store) Begin(user string) (string, error) {
	raw := make([]byte, 32)
	if _, err := rand.Read(raw); err != nil {
		return "", err
	}
	token := hex.EncodeToString(raw)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sessions[token] = Session{User: user, Expires: s.now().Add(s.lifetime)}
	return token, nil
}

// Get returns the session of the token, and whether there is one that has not expired.
func (s *Store) Get(token string) (Session, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	session, ok := s.sessions[token]
	if !ok || !s.now().Before(session.Expires) {
		return Session{}, false
	}
	return session, true
}

// End removes a session.
func (s *Store) End(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sessions, token)
}

// Sweep removes the sessions that have expired and returns how many there were.
func (s *Store) Sweep() int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	now, removed := s.now(), 0
	for token, session := range s.sessions {
		if !now.Before(session.Expires) {
			delete(s.sessions, token)
			removed++
		}
	}
	return removed
}
