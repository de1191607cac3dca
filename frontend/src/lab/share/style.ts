// The look of the share dialog and of the goal.
export const SHARE = `
.descend .share-door { display: flex; justify-content: flex-end; margin-bottom: 8px; }
.descend dialog.share {
  color: var(--ink); background: var(--card); border: 1px solid var(--line); border-radius: 14px;
  width: min(660px, calc(100vw - 24px)); max-height: calc(100dvh - 32px); overflow: auto; padding: 16px 20px 20px; margin: auto;
}
.descend dialog.share::backdrop { background: rgb(0 0 0 / 0.45); }
.descend .share .heading { display: flex; justify-content: space-between; align-items: center; gap: 12px; }
.descend .share section { display: grid; gap: 8px; padding-top: 12px; margin-top: 12px; border-top: 1px solid var(--line); }
.descend .share .heading + section { border-top: 0; margin-top: 0; padding-top: 4px; }
.descend .share input[type="text"] {
  font: inherit; font-size: 0.9em; color: var(--ink); background: var(--ground); border: 1px solid var(--edge);
  border-radius: 8px; min-height: 32px; padding: 3px 8px; min-width: 0; width: 100%;
}
.descend .share .copyable { display: grid; gap: 3px; }
.descend .share .copyable label, .descend .share .field label { font-size: 0.875em; }
.descend .share .copyable .line { display: flex; gap: 8px; }
.descend .share .copyable .line input { font-family: ui-monospace, monospace; font-size: 0.8em; text-overflow: ellipsis; }
.descend .share .copyable [role="status"]:empty { display: none; }
.descend .share .field { display: grid; gap: 3px; max-width: 320px; }
.descend .share fieldset { border: 1px solid var(--line); border-radius: 10px; padding: 4px 12px 8px; margin: 0; min-width: 0; }
.descend .share legend { font-size: 0.875em; font-weight: 620; padding: 0 4px; }
.descend .share .rest { display: inline-flex; flex-wrap: wrap; gap: 6px; align-items: center; font-size: 0.9em; }
.descend .goal {
  display: flex; flex-wrap: wrap; align-items: center; gap: 4px 10px; padding: 8px 14px; margin-bottom: 10px;
  background: var(--card); border: 1px solid var(--line); border-left: 4px solid var(--edge); border-radius: 10px;
}
.descend .goal[data-goal="reached"] { border-left-color: var(--extra); background: var(--tint); }
.descend .goal[data-goal="missed"] { border-left-color: var(--validation); }
.descend .goal .sign-of-goal { display: inline-flex; color: var(--quiet); }
.descend .goal[data-goal="reached"] .sign-of-goal { color: var(--extra); }
.descend .goal[data-goal="missed"] .sign-of-goal { color: var(--validation); }
.descend .goal .icon { width: 18px; height: 18px; stroke-width: 2.2; }
`;
