// An agent's code with the generated types. test_typescript.py compiles it and does not run it.
import type { components, paths } from "./countersign";

type Package = paths["/v1/packages"]["post"]["requestBody"]["content"]["application/json"];
type Refusal = paths["/v1/packages"]["post"]["responses"]["422"]["content"]["application/problem+json"];
type Callback = components["schemas"]["CallbackBody"];

export const proposal: Package = {
  kind: "action",
  title: "Refund order 1042",
  action_type: "execute_payment",
  action_parameters: { order: "1042", amount: 42.5, lines: [{ sku: "A-1", count: 2 }], note: null },
  proposed_action: "Pay 42.50 EUR back to the customer of order 1042.",
  rationale: "The parcel was lost, and the carrier confirmed it.",
  risk_level: "medium",
  confidence: 0.92,
};

export function approvedOrder(callback: Callback): string {
  const order: unknown = callback.data.decision?.action_parameters?.["order"];
  return typeof order === "string" ? order : "";
}

export function reason(problem: Refusal): string {
  return `${problem.type} (${problem.status}): ${problem.detail}`;
}

// @ts-expect-error - no such risk
export const misspelled: Package = { ...proposal, risk_level: "enormous" };

// @ts-expect-error - parameters are an object
export const listed: Package = { ...proposal, action_parameters: ["1042"] };
