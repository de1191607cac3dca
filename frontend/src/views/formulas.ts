import type { MakeView } from "../store";
export const formulas: MakeView = () => null;
