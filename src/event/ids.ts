declare const uuidBrand: unique symbol;

/** Lower case, 8-4-4-4-12. */
export type Uuid = string & { readonly [uuidBrand]: true };
