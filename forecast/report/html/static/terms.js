// Show what a term means: an element with data-meaning, under the pointer, at the keyboard's focus, or after a tap.
(() => {
  const box = document.createElement("p");
  box.id = "meaning";
  box.setAttribute("role", "tooltip");
  box.hidden = true;
  document.body.append(box);
  let shown = null, described = null;

  function hide() {
    described?.removeAttribute("aria-describedby");
    shown = described = null;
    box.hidden = true;
  }

  function show(event) {
    const term = event.target.closest?.("[data-meaning]");
    const isFocused = described?.matches(":focus");
    if (term === shown || (event.type === "pointerover" && isFocused)) return;
    hide();
    if (!term) return;
    shown = term;
    described = event.type === "focusin" ? event.target : term;
    described.setAttribute("aria-describedby", box.id);
    box.textContent = term.dataset.meaning;
    box.hidden = false;
    place();
  }

  function place() {
    if (!shown) return;
    const at = shown.getBoundingClientRect(), size = box.getBoundingClientRect();
    const below = at.bottom + 6, above = at.top - size.height - 6;
    box.style.left = `${Math.max(8, Math.min(at.left, innerWidth - size.width - 8))}px`;
    box.style.top = `${below + size.height > innerHeight && above > 0 ? above : below}px`;
  }

  for (const kind of ["pointerover", "focusin", "click"]) document.addEventListener(kind, show);
  document.addEventListener("keydown", event => event.key === "Escape" && hide());
  document.addEventListener("scroll", place, {capture: true, passive: true});
})();
