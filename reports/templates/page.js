"use strict";
// Each shot: the slider moves the edge between low light and result, the switch chooses the result.
for (const shot of document.querySelectorAll(".shot")) {
  const stage = shot.querySelector(".stage");
  const slider = stage.querySelector("input");
  const results = stage.querySelectorAll("img.result");
  const tag = stage.querySelector(".tag.right");
  const move = () => {
    stage.style.setProperty("--split", `${slider.value}%`);
    slider.setAttribute("aria-valuetext", `${slider.value} % low light`);
  };
  slider.addEventListener("input", move);
  move(); // browsers restore a slider's place when a page is opened again
  const choose = (place) => {
    results.forEach((image, index) => { image.hidden = index !== place; });
    shot.querySelectorAll("a.result").forEach((link, index) => { link.hidden = index !== place; });
    tag.textContent = results[place].dataset.method;
  };
  const control = shot.querySelector(".switch");
  control?.addEventListener("change", (event) => choose(Number(event.target.value)));
  const restored = control?.querySelector("input:checked, select");
  if (restored) choose(Number(restored.value));
}
// Printed, everything is open; afterwards what was closed is closed again.
const folds = () => [...document.querySelectorAll("details")];
let opened = [];
addEventListener("beforeprint", () => {
  opened = folds().filter((fold) => !fold.open);
  opened.forEach((fold) => { fold.open = true; });
});
addEventListener("afterprint", () => opened.forEach((fold) => { fold.open = false; }));
