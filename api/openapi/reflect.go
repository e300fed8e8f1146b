package openapi

import (
	"encoding"
	"encoding/json"
	"reflect"
	"strings"
	"time"
)

// Example is the schema of values like v, which is answered. A text may be null, and
// nil may be anything.
func Example(v any) *Schema { return example(reflect.ValueOf(v)) }

func example(v reflect.Value) *Schema {
	if v.Kind() == reflect.Interface {
		v = v.Elem()
	}
	switch v.Kind() {
	case reflect.String:
		return &Schema{Type: []string{"string", "null"}}
	case reflect.Bool:
		return &Schema{Type: "boolean"}
	case reflect.Int, reflect.Int64, reflect.Uint64:
		return &Schema{Type: "integer"}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.String {
			return List(Text(0))
		}
		return List(&Schema{Type: "object"})
	case reflect.Map:
		o := Object()
		for _, k := range v.MapKeys() {
			o.Add(k.String(), example(v.MapIndex(k)))
		}
		return o
	}
	return &Schema{}
}

var (
	timeType = reflect.TypeFor[time.Time]()
	rawType  = reflect.TypeFor[json.RawMessage]()
	textType = reflect.TypeFor[encoding.TextMarshaler]()
)

// Decoded is the schema of what encoding/json reads into a value of type t, or
// writes of one.
func Decoded(t reflect.Type) *Schema {
	switch {
	case t == timeType:
		return Format("date-time")
	case t == rawType:
		return &Schema{}
	case t.Implements(textType):
		return Text(0)
	}
	switch t.Kind() {
	case reflect.Pointer:
		return Decoded(t.Elem())
	case reflect.String:
		return Text(0)
	case reflect.Bool:
		return &Schema{Type: "boolean"}
	case reflect.Int, reflect.Int64, reflect.Uint8, reflect.Uint16, reflect.Uint64:
		return &Schema{Type: "integer"}
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return Format("byte")
		}
		return List(Decoded(t.Elem()))
	case reflect.Map:
		return &Schema{Type: "object", AdditionalProperties: Decoded(t.Elem())}
	case reflect.Struct:
		o := Object()
		for i := range t.NumField() {
			f := t.Field(i)
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			switch {
			case f.Anonymous && name == "":
				for k, s := range Decoded(f.Type).Properties {
					o.Add(k, s)
				}
			case !f.IsExported() || name == "-":
			case name == "":
				o.Add(f.Name, Decoded(f.Type))
			default:
				o.Add(name, Decoded(f.Type))
			}
		}
		return o
	}
	return &Schema{}
}
