package org.example.pool;

import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;

/** Runs work with a connection of a pool, and gives it back whatever happens. */
public final class Leases {
    private static final Duration PATIENCE = Duration.ofSeconds(5);

    private final Pool pool;

    public Leases(Pool pool) {
        this.pool = pool;
    }

    public <T> T with(Work<T> work) throws SQLException, InterruptedException {
        Connection connection = pool.lend(PATIENCE);
        try {
            return work.run(connection);
        } finally {
            pool.giveBack(connection);
        }
    }

    /** What is done with a connection. */
    @FunctionalInterface
    public interface Work<T> {
        T run(Connection connection) throws SQLException;
    }
}
