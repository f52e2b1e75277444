// What ipywidgets does not say about a panel: attributes of its elements, pressed toggles, its keys.

const FOCUSED = "button, input, select, textarea, [tabindex]";

function set(element, name, value) {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

function render({ model, el }) {
  el.style.display = "none";
  let root = null;

  const dress = () => {
    for (const [selector, attributes] of Object.entries(model.get("attributes"))) {
      const found = selector === "" ? [root] : root.querySelectorAll(selector);
      for (const element of found) {
        for (const [name, value] of Object.entries(attributes)) set(element, name, value);
      }
    }
    // JupyterLab looks for this on the element with the focus first, then on those around it.
    for (const element of [root, ...root.querySelectorAll(FOCUSED)]) {
      set(element, "data-lm-suppress-shortcuts", "true");
    }
    for (const toggle of root.querySelectorAll("button.widget-toggle-button")) {
      set(toggle, "aria-pressed", String(toggle.classList.contains("mod-active")));
    }
  };

  const press = (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.target.closest("input, select, textarea, [contenteditable='true']")) return;
    const key = event.key.toLowerCase();
    if (!model.get("shortcuts").includes(key) || event.repeat) return;
    event.preventDefault();
    model.send({ key });
  };

  const observer = new MutationObserver(dress);
  const begin = () => {
    root = el.closest(".siamlab-panel");
    if (!root) return;
    clearInterval(waiting);
    dress();
    root.addEventListener("keydown", press);
    observer.observe(root, {
      childList: true,
      subtree: true,
      attributes: true,
      attributeFilter: ["class"],
    });
  };
  const waiting = setInterval(begin, 50); // until the panel is on the page
  const changed = () => root && dress();
  model.on("change:attributes", changed);

  return () => {
    clearInterval(waiting);
    observer.disconnect();
    model.off("change:attributes", changed);
    if (root) root.removeEventListener("keydown", press);
  };
}

export default { render };
