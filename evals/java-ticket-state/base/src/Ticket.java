package desk;

public class Ticket {
  public enum State { OPEN, CLOSED }

  private State state = State.OPEN;

  public void close() {
    state = State.CLOSED;
  }

  public String stored() {
    return state.name();
  }
}
