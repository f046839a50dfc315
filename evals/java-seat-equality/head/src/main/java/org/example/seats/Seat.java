package org.example.seats;

/** A seat: its row and its number, which is unique in the whole room. */
public record Seat(String row, Integer number) {}
