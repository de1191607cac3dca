// Sharing: a button, and a dialog with the address, the files, and what a teacher sets.
import { freshId, iconButton, make, wordButton } from "../../charts/elements";
import type { Part } from "../context";
import { text } from "../text";
import { commandOf, linkOf, makeKeeper, ownPage, shownQuery } from "./address";
import { forClass } from "./class";
import { copyable } from "./copying";
import { files } from "./files";

const words = text.share;
const CROSS = "M4 4l8 8M12 4l-8 8";

export const share: Part = (lab, host, signal) => {
  const own = ownPage(lab.root);
  const keep = own ? makeKeeper() : () => undefined;
  const link = own ? copyable(words.address.link) : null;
  const command = copyable(words.address.command);
  const teaching = forClass(lab);
  const id = freshId("share");
  const dialog = make("dialog", { class: "share", "aria-labelledby": id });
  const close = iconButton(words.close, CROSS, () => dialog.close());
  close.querySelector("svg")?.setAttribute("class", "icon line");
  dialog.append(
    make("div", { class: "heading" }, make("h2", { id }, words.title), close),
    make(
      "section",
      {},
      make("h3", {}, words.address.title),
      make("p", { class: "quiet" }, words.address.about),
      link?.element ?? null,
      command.element,
    ),
    files(lab, signal),
    teaching.element,
  );
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close(); // beside it
  });

  dialog.addEventListener("keydown", (event) => event.stopPropagation()); // keys here are not the playbar's

  function draw(): void {
    if (lab.state === null) return;
    const query = shownQuery(lab);
    link?.show(query === "" ? words.address.none : linkOf(query));
    command.show(query === "" ? words.address.none : commandOf(query));
    teaching.draw();
  }

  const open = wordButton(words.open, () => {
    draw();
    dialog.showModal();
  });
  open.setAttribute("aria-haspopup", "dialog");
  host.classList.add("share-door");
  host.append(open, dialog);

  function moved(): void {
    const query = shownQuery(lab);
    const passing = lab.store !== null && !lab.store.following && lab.store.playing; // a replay
    if (query !== "" && !passing) keep(query);
    if (dialog.open) draw();
  }

  const stops = [lab.onState(moved), lab.onStore((store) => store.on(moved))];
  signal.addEventListener("abort", () => {
    stops.forEach((stop) => stop());
    dialog.remove();
  });
};
