package org.example.pool;

import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/** A fixed number of connections. Safe for threads. */
public final class Pool implements AutoCloseable {
    private static final int VALIDATION_SECONDS = 2;

    private final ConnectionFactory factory;
    private final Semaphore permits;
    private final Deque<Connection> idle = new ArrayDeque<>();
    private boolean closed;

    public Pool(ConnectionFactory factory, int size) {
        this.factory = factory;
        this.permits = new Semaphore(size, true);
    }

    /**
     * Lends a connection; the caller gives it back with {@link #giveBack}.
     *
     * @throws SQLException when none is free in time, or none can be opened
     */
    public Connection lend(Duration patience) throws SQLException, InterruptedException {
        if (!permits.tryAcquire(patience.toMillis(), TimeUnit.MILLISECONDS)) {
            throw new SQLException("no connection was free within " + patience);
        }
        Connection connection = takeIdle();
        if (connection != null && connection.isValid(VALIDATION_SECONDS)) {
            return connection;
        }
        discard(connection);
        return factory.open();
    }

    /** Takes a connection back. It must have been lent by this pool, once. */
    public void giveBack(Connection connection) {
        synchronized (this) {
            if (closed) {
                discard(connection);
            } else {
                idle.push(connection);
            }
        }
        permits.release();
    }

    /** Closes what is idle now and everything else when it comes back. */
    @Override
    public synchronized void close() {
        closed = true;
        while (!idle.isEmpty()) {
            discard(idle.pop());
        }
    }

    private synchronized Connection takeIdle() {
        return idle.poll();
    }

    private static void discard(Connection connection) {
        if (connection == null) {
            return;
        }
        try {
            connection.close();
        } catch (SQLException e) {
            // It is dead already: nothing is lost, and the caller gets another one.
        }
    }
}
