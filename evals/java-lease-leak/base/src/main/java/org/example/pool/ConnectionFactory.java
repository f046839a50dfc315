package org.example.pool;

import java.sql.Connection;
import java.sql.SQLException;

/** Opens connections. */
@FunctionalInterface
public interface ConnectionFactory {
    Connection open() throws SQLException;
}
