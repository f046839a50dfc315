package club;

import java.util.HashMap;
import java.util.Map;

class Badges {
  private final Map<String, String> badges = new HashMap<>();

  void give(Member member, String badge) {
    badges.put(member.name(), badge);
  }
}
