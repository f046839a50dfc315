package org.example.seats;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The seats of one room, row by row, each in the order of their numbers. Immutable. */
public final class Room {
    private final Map<String, List<Seat>> rows = new LinkedHashMap<>();

    public Room(List<Seat> seats) {
        for (Seat seat : seats) {
            rows.computeIfAbsent(seat.row(), row -> new ArrayList<>()).add(seat);
        }
    }

    public Iterable<List<Seat>> rows() {
        return rows.values();
    }

    /** Returns the seat with that number. */
    public Optional<Seat> seat(Integer number) {
        for (List<Seat> row : rows.values()) {
            for (Seat seat : row) {
                if (seat.number() == number) {
                    return Optional.of(seat);
                }
            }
        }
        return Optional.empty();
    }
}
