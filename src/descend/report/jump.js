// A finding's link takes the page to the update it is best seen at.
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-step]");
  const input = document.querySelector("#descend-run-0 input[type='number']");
  if (!link || !input) return;
  input.value = link.dataset.step;
  input.dispatchEvent(new Event("change", { bubbles: true }));
});
