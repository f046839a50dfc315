package org.example.seats;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Moves groups to another room. One instance a screening; not for several threads. */
public final class Rebooking {
    private final Room room;
    private final Set<Seat> taken = new HashSet<>();

    public Rebooking(Room room) {
        this.room = room;
    }

    /** Returns seats for a group of that size, empty when it does not fit, and takes them. */
    public Optional<List<Seat>> move(int size) {
        Optional<List<Seat>> seats = together(size);
        seats.ifPresent(taken::addAll);
        return seats;
    }

    private Optional<List<Seat>> together(int size) {
        for (List<Seat> row : room.rows()) {
            List<Seat> run = new ArrayList<>();
            for (Seat seat : row) {
                if (taken.contains(seat)) {
                    run.clear();
                } else {
                    run.add(seat);
                }
                if (run.size() == size) {
                    return Optional.of(run);
                }
            }
        }
        return Optional.empty();
    }
}
