package desk;

public class Ticket {
  public enum State { OPEN, WAITING, CLOSED }

  private State state = State.OPEN;

  public void close() {
    state = State.CLOSED;
  }

  public void waitForCustomer() {
    state = State.WAITING;
  }

  public String stored() {
    return state.name();
  }
}
