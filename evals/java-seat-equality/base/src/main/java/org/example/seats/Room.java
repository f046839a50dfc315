package org.example.seats;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

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
}
