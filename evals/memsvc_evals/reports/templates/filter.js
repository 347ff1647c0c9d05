"use strict";
(() => {
  const form = document.getElementById("filter");
  const rows = [...document.querySelectorAll("#index tbody tr")];
  const texts = rows.map((row) => row.textContent.toLowerCase());
  const show = () => {
    const wanted = form.elements.text.value.toLowerCase();
    const category = form.elements.category.value;
    const flags = ["d", "f", "e"].filter((name) => form.elements[name].checked);
    let count = 0;
    rows.forEach((row, at) => {
      const fits =
        texts[at].includes(wanted) &&
        (!category || row.dataset.c === category) &&
        flags.every((name) => row.dataset.f.includes(name));
      row.hidden = !fits;
      count += fits;
    });
    document.getElementById("shown").textContent = `${count} of ${rows.length}`;
  };
  form.classList.add("on");
  form.addEventListener("input", show);
  form.addEventListener("submit", (event) => event.preventDefault());
  show();
})();
