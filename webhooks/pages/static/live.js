// Keeps the parts of a page that are marked with data-live current. Without this script, the links "Look again" do it.
"use strict";
for (const part of document.querySelectorAll("[data-live]")) {
  const seconds = Number(part.dataset.live) || 5;
  const look = async () => {
    if (!document.hidden) {
      try {
        const answer = await fetch(location.href, { headers: { "X-Live": "1" }, credentials: "same-origin" });
        if (answer.ok && !answer.redirected) {
          const page = new DOMParser().parseFromString(await answer.text(), "text/html");
          const fresh = page.getElementById(part.id);
          const holdsFocus = part.contains(document.activeElement);
          if (fresh && !holdsFocus && fresh.innerHTML !== part.innerHTML) part.innerHTML = fresh.innerHTML;
          if (fresh && !("live" in fresh.dataset)) return; // nothing more is going to happen
        }
      } catch (error) { /* the server is starting again: look once more later */ }
    }
    setTimeout(look, seconds * 1000);
  };
  setTimeout(look, seconds * 1000);
}
