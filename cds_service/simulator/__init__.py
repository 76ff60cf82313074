"""Is an EHR for the demo and the tests: FHIR R4, SMART and a CDS Hooks client, with faults.

It stands on the other side of the wire: it imports nothing of the product, so that an error in
the product's reading of a standard cannot hide behind the same error here.

    personalities, config   what each EHR is like, and what a simulator is made of (data)
    patients, store         the records
    parameters, search      which records a search finds
    fhir, writes            reads, searches and writes as values; fhir_server is their HTTP face
    grants, launches        tokens and launch contexts
    oauth, tokens, assertions   the SMART authorization server
    outcomes                OperationOutcomes
    keys, prefetch          signing, and prefetch templates resolved literally
    cds_client              calls CDS services
    faults                  breaks all of that on demand, and logs what was asked
    chart, cards, pages     the clinician's screen (markup, markdown and banner help to draw it)
    ehr, world, app         one EHR, the running simulator, and its ASGI application
    in_process              connects applications without a network
"""
